import { type Schemas } from "@/shared/api/client";
import { formatScore } from "@/shared/format/format";
import { text } from "@/shared/text/text";
import { Badge } from "@/shared/ui/Badge";
import { Table } from "@/shared/ui/Table";

type Sample = Schemas["SampleVerdict"];

const words = text.enrol;

/** What became of each photo of a registration. */
export function Verdicts({ samples }: { readonly samples: readonly Sample[] }) {
  return (
    <Table
      label={words.photos}
      rows={samples.map((sample, place) => ({ ...sample, number: place + 1 }))}
      keyOf={({ number }) => number}
      columns={[
        { name: words.photo, cell: ({ number }) => text.photo.alt(number) },
        { name: words.verdict, cell: verdictOf },
        { name: words.quality, numeric: true, cell: (sample) => formatScore(sample.quality_score) },
        { name: words.liveness, numeric: true, cell: (sample) => formatScore(sample.liveness_score) },
      ]}
    />
  );
}

function verdictOf({ accepted, reason, advice }: Sample) {
  if (accepted) return <Badge tone="good">{words.accepted}</Badge>;
  return (
    <>
      <Badge tone="warn">{words.notAccepted}</Badge> {words.reasons[reason] ?? advice}
    </>
  );
}
