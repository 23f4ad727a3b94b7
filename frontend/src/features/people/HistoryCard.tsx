import { RecordsList } from "@/shared/audit/RecordsList";
import { useRecords } from "@/shared/audit/records";
import { useMay } from "@/shared/session/use-session";
import { text } from "@/shared/text/text";
import { ButtonLink } from "@/shared/ui/Button";
import { Card } from "@/shared/ui/Page";

const words = text.people;

/** What the audit log has about a person, but for the looks into it. */
export function HistoryCard({ userId }: { readonly userId: string }) {
  const may = useMay("read_records");
  return may ? <History userId={userId} /> : null;
}

function History({ userId }: { readonly userId: string }) {
  const query = useRecords({ user_id: userId, without_reads: true });
  return (
    <Card
      title={words.history}
      hint={words.historyHint}
      actions={
        <ButtonLink size="small" href={`/activity?user_id=${encodeURIComponent(userId)}`}>
          {words.historyAll}
        </ButtonLink>
      }
    >
      <RecordsList query={query} about="one person" empty={<p>{words.historyNone}</p>} />
    </Card>
  );
}
