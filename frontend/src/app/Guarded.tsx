import { Navigate, Outlet, useLocation } from "@tanstack/react-router";
import { Lock } from "lucide-react";

import { unreachable } from "@/shared/api/problem";
import { session, type Permission } from "@/shared/session/session";
import { useSession } from "@/shared/session/use-session";
import { text } from "@/shared/text/text";
import { Empty, Failed, Loading } from "@/shared/ui/States";

/** Pages for those who may: others are asked to log in, or told that they may not. The service decides all the same. */
export function Guarded({ permission }: { readonly permission: Permission }) {
  const current = useSession();
  const { pathname } = useLocation();
  switch (current.state) {
    case "starting":
      return <Loading />;
    case "unreachable":
      return <Failed problem={unreachable()} onRetry={() => void session.start()} />;
    case "signed_out":
      return <Navigate to="/login" search={{ next: pathname }} replace />;
    case "signed_in":
      return current.me.permissions.includes(permission) ? (
        <Outlet />
      ) : (
        <Empty icon={Lock} title={text.problems.notAllowed}>
          {text.problems.notAllowedHow}
        </Empty>
      );
  }
}
