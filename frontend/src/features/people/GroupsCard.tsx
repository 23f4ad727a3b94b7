import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { api } from "@/shared/api/client";
import { groupWord } from "@/shared/groups/groups";
import { text } from "@/shared/text/text";
import { Badge } from "@/shared/ui/Badge";
import { Button } from "@/shared/ui/Button";
import { ConfirmDialog } from "@/shared/ui/Dialog";
import { Card } from "@/shared/ui/Page";
import { Loaded } from "@/shared/ui/States";

import { groupsQuery, personChanged } from "./queries";

import styles from "./People.module.css";

const words = text.people;

/** What a person declared of themselves, and forgetting it. */
export function GroupsCard({ userId }: { readonly userId: string }) {
  const queries = useQueryClient();
  const [asking, setAsking] = useState(false);
  return (
    <Card title={words.groups} hint={words.groupsHint}>
      <Loaded query={useQuery(groupsQuery(userId))}>
        {({ labels }) => {
          const declared = Object.entries(labels);
          if (declared.length === 0) return <p>{words.groupsNone}</p>;
          return (
            <div className={styles["stack"]}>
              <ul className={styles["groups"]}>
                {declared.map(([attribute, group]) => (
                  <li key={attribute}>
                    <Badge>
                      {groupWord(attribute)}: {groupWord(group)}
                    </Badge>
                  </li>
                ))}
              </ul>
              <Button size="small" onPress={() => setAsking(true)}>
                {words.forgetGroups}
              </Button>
            </div>
          );
        }}
      </Loaded>
      <ConfirmDialog
        title={words.forgetGroupsTitle}
        isOpen={asking}
        onClose={() => setAsking(false)}
        action={words.forgetGroups}
        onConfirm={async () => {
          await api.DELETE("/api/v1/users/{user_id}/labels", { params: { path: { user_id: userId } } });
          await personChanged(queries, userId);
        }}
      >
        <p>{words.forgetGroupsWhat}</p>
      </ConfirmDialog>
    </Card>
  );
}
