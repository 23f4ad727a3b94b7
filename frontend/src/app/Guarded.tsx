import { Outlet, useNavigate, useRouter } from "@tanstack/react-router";
import { Lock } from "lucide-react";
import { useEffect } from "react";

import { unreachable } from "@/shared/api/problem";
import { session, type Permission } from "@/shared/session/session";
import { useSession } from "@/shared/session/use-session";
import { text } from "@/shared/text/text";
import { Empty, Failed, Loading } from "@/shared/ui/States";

/** Pages for those who may: others are asked to log in, or told that they may not. The service decides all the same. */
export function Guarded({ permission }: { readonly permission: Permission }) {
  const current = useSession();
  switch (current.state) {
    case "starting":
      return <Loading />;
    case "unreachable":
      return <Failed problem={unreachable()} onRetry={() => void session.start()} />;
    case "signed_out":
      return <ToLogin />;
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

/** Goes to the login once, and comes back from there to where it was asked for. */
function ToLogin() {
  const navigate = useNavigate();
  const router = useRouter();
  useEffect(() => {
    void navigate({ to: "/login", search: { next: router.state.location.href }, replace: true });
  }, [navigate, router]);
  return <Loading />;
}
