import { useQuery } from "@tanstack/react-query";

import { answerOf, api, type Schemas } from "@/shared/api/client";
import { formatCount } from "@/shared/format/format";
import { text } from "@/shared/text/text";
import { Badge } from "@/shared/ui/Badge";
import { Copyable } from "@/shared/ui/Copyable";
import { Notice } from "@/shared/ui/Notice";
import { Card } from "@/shared/ui/Page";
import { Loaded } from "@/shared/ui/States";
import { Table, type Column } from "@/shared/ui/Table";
import { Ago } from "@/shared/ui/When";

const words = text.system.keys;

type RootKey = Schemas["RootKeyShown"];
type SigningKey = Schemas["SigningKeyShown"];

/** Which keys there are and how old they are. None of them can be read here. */
export function Keys() {
  const query = useQuery({
    queryKey: ["system", "keys"],
    queryFn: ({ signal }) => answerOf(api.GET("/api/v1/system/keys", { signal })),
  });
  return (
    <Loaded query={query}>
      {({ root, signing }) => (
        <>
          <Card title={words.root} hint={words.rootHint}>
            <Advice keys={root} />
            <Table label={words.root} columns={ROOT} rows={root} keyOf={({ key_id }) => key_id} />
          </Card>
          <Card title={words.signing} hint={words.signingHint}>
            {signing.length === 0 ? (
              <p>{words.noSigning}</p>
            ) : (
              <Table label={words.signing} columns={SIGNING} rows={signing} keyOf={({ kid }) => kid} />
            )}
          </Card>
        </>
      )}
    </Loaded>
  );
}

function Advice({ keys }: { readonly keys: readonly RootKey[] }) {
  const missing = keys.some(({ at_hand, records }) => !at_hand && records > 0);
  const stale = keys.filter(({ current }) => !current).reduce((sum, { records }) => sum + records, 0);
  if (missing) return <Notice tone="bad" title={words.missing} children={words.missingHow} />;
  if (stale > 0) return <Notice tone="warn" title={words.stale(formatCount(stale))} children={words.staleHow} />;
  return null;
}

const ROOT: readonly Column<RootKey>[] = [
  { name: words.id, cell: ({ key_id }) => <Copyable value={key_id} what={words.id} whole /> },
  { name: words.version, cell: ({ version }) => version, numeric: true },
  {
    name: words.state,
    cell: ({ current, at_hand }) =>
      !at_hand ? (
        <Badge tone="bad">{words.notAtHand}</Badge>
      ) : current ? (
        <Badge tone="good">{words.current}</Badge>
      ) : (
        <Badge>{words.older}</Badge>
      ),
  },
  { name: words.records, cell: ({ records }) => formatCount(records), numeric: true },
  { name: words.made, cell: ({ created_at }) => (created_at === null ? words.notKnown : <Ago at={created_at} />) },
];

const SIGNING: readonly Column<SigningKey>[] = [
  { name: words.id, cell: ({ kid }) => <Copyable value={kid} what={words.id} whole /> },
  { name: words.purpose, cell: ({ purpose }) => words.purposes[purpose] ?? purpose },
  {
    name: words.state,
    cell: ({ retired_at }) =>
      retired_at === null ? (
        <Badge tone="good">{words.current}</Badge>
      ) : (
        <span>
          <Badge>{words.retired}</Badge> <Ago at={retired_at} />
        </span>
      ),
  },
  { name: words.made, cell: ({ created_at }) => <Ago at={created_at} /> },
];
