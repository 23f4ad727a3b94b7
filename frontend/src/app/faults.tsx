import { useRouter, type ErrorComponentProps } from "@tanstack/react-router";
import { Bug, MapPinOff } from "lucide-react";

import { ApiProblem } from "@/shared/api/problem";
import { text } from "@/shared/text/text";
import { Button, ButtonLink } from "@/shared/ui/Button";
import { Empty, Failed } from "@/shared/ui/States";

/** No page has this address. */
export function Missing() {
  return (
    <Empty
      icon={MapPinOff}
      title={text.common.notFound}
      action={<ButtonLink href="/sign-in">{text.common.toStart}</ButtonLink>}
    >
      {text.common.notFoundHint}
    </Empty>
  );
}

/** A page threw, or its file could not be fetched; the rest of the app goes on. */
export function Defect({ error, reset }: ErrorComponentProps) {
  const router = useRouter();
  if (error instanceof ApiProblem) return <Failed problem={error} onRetry={() => void router.invalidate()} />;
  return (
    <Empty
      icon={Bug}
      title={text.common.defect}
      action={
        <Button
          onPress={() => {
            reset();
            // A new version may have taken the place of the files that this page asked for.
            globalThis.location.reload();
          }}
        >
          {text.common.reload}
        </Button>
      }
    >
      {text.common.defectHint}
    </Empty>
  );
}
