import { type Schemas } from "@/shared/api/client";
import { text } from "@/shared/text/text";
import { Badge } from "@/shared/ui/Badge";
import { Copyable } from "@/shared/ui/Copyable";
import { Card } from "@/shared/ui/Page";
import { Table, type Column } from "@/shared/ui/Table";

import styles from "./System.module.css";

const words = text.system;

type Network = Schemas["NetworkStatus"];

/** Networks that work here, and those that could. */
export function NetworksCard({ networks }: { readonly networks: readonly Network[] }) {
  const installed = networks.filter((network) => network.installed);
  const others = networks.filter((network) => !network.installed);
  return (
    <>
      <Card title={words.networks} hint={words.networksHint}>
        <Table
          label={words.networks}
          columns={[NAME, TASK, STATE, LICENCE]}
          rows={installed}
          keyOf={({ name }) => name}
        />
      </Card>
      {others.length > 0 && (
        <Card title={words.otherNetworks} hint={words.otherNetworksHint}>
          <Table
            label={words.otherNetworks}
            columns={[NAME, TASK, WHY, LICENCE]}
            rows={others}
            keyOf={({ name }) => name}
          />
        </Card>
      )}
    </>
  );
}

const NAME: Column<Network> = {
  name: words.network,
  cell: ({ title, name }) => (
    <div>
      {title}
      <div className={styles["soft"]}>{name}</div>
    </div>
  ),
};
const TASK: Column<Network> = { name: words.task, cell: ({ task }) => words.tasks[task] ?? task };
const LICENCE: Column<Network> = { name: words.licence, cell: ({ licence }) => licence };
const STATE: Column<Network> = {
  name: words.state,
  cell: ({ in_use, note }) =>
    in_use ? (
      <Badge tone="good">{words.inUse}</Badge>
    ) : (
      <div>
        <Badge>{words.installed}</Badge>
        {note !== null && <div className={styles["soft"]}>{note}</div>}
      </div>
    ),
};
const WHY: Column<Network> = {
  name: words.howToGet,
  cell: ({ how_to_get, note }) => (
    <div>
      {how_to_get != null && <Copyable value={how_to_get} what={words.command} whole />}
      {note !== null && <div className={styles["soft"]}>{note}</div>}
    </div>
  ),
};
