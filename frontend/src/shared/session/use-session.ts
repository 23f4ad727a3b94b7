import { useSyncExternalStore } from "react";

import { session, type Permission, type Session } from "./session";

/** Who uses the page, kept up to date. */
export function useSession(): Session {
  return useSyncExternalStore(session.subscribe, session.current);
}

/** Whether the one who uses the page may do this. The service decides; this only spares them a refusal. */
export function useMay(permission: Permission): boolean {
  const current = useSession();
  return current.state === "signed_in" && current.me.permissions.includes(permission);
}
