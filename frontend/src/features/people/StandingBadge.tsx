import { Clock, Lock } from "lucide-react";

import { text } from "@/shared/text/text";
import { Badge } from "@/shared/ui/Badge";
import { useNow } from "@/shared/ui/When";

import { standingOf, type Person } from "./standing";

const words = text.people.standing;

/** Whether a person may try to sign in. */
export function StandingBadge({ person }: { readonly person: Pick<Person, "locked_at" | "wait_until"> }) {
  const standing = standingOf(person, useNow());
  switch (standing) {
    case "locked":
      return (
        <Badge tone="bad">
          <Lock aria-hidden="true" /> {words.locked}
        </Badge>
      );
    case "waiting":
      return (
        <Badge tone="warn">
          <Clock aria-hidden="true" /> {words.waiting}
        </Badge>
      );
    case "active":
      return <Badge tone="good">{words.active}</Badge>;
  }
}
