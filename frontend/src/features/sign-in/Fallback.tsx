import { useSession } from "@/shared/session/use-session";
import { text } from "@/shared/text/text";
import { ButtonLink } from "@/shared/ui/Button";
import { More } from "@/shared/ui/More";

import styles from "./Fallback.module.css";

/** A way in for those whom the camera doesn't take. */
export function Fallback() {
  const current = useSession();
  // A service without accounts has no passwords.
  const open = current.state === "signed_in" && current.me.open;
  return (
    <More summary={text.signIn.fallback}>
      <div className={styles["ways"]}>
        <p>{text.signIn.fallbackHow}</p>
        {open ? <p>{text.login.notNeeded}</p> : <ButtonLink href="/login">{text.signIn.fallbackOperator}</ButtonLink>}
      </div>
    </More>
  );
}
