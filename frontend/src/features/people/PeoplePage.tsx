import { Link } from "@tanstack/react-router";
import { SearchX, UserPlus, Users } from "lucide-react";
import { useEffect, useState } from "react";

import { asProblem } from "@/shared/api/problem";
import { formatCount, formatDate } from "@/shared/format/format";
import { text } from "@/shared/text/text";
import { Button, ButtonLink } from "@/shared/ui/Button";
import { SearchField } from "@/shared/ui/Field";
import { Notice } from "@/shared/ui/Notice";
import { Page } from "@/shared/ui/Page";
import { Empty, Loaded } from "@/shared/ui/States";
import { Table, type Column } from "@/shared/ui/Table";

import { usePeople } from "./queries";
import { lastSeen, networksOf, type Person } from "./standing";
import { StandingBadge } from "./StandingBadge";

import styles from "./People.module.css";

const words = text.people;
const ENOUGH = 20; // people found before a search stops reading on by itself
const PAUSE_MS = 250; // in typing, before a search begins

interface Props {
  readonly sought: string;
  readonly onSought: (sought: string) => void;
}

/** Who is enrolled. */
export function PeoplePage({ sought, onSought }: Props) {
  const query = usePeople(sought);
  const nobody = sought === "" && query.data?.pages[0]?.total === 0;
  const enrol = (
    <ButtonLink href="/enrol" tone="primary">
      <UserPlus aria-hidden="true" /> {words.enrol}
    </ButtonLink>
  );
  return (
    <Page title={words.title} intro={words.intro} actions={nobody ? undefined : enrol}>
      {nobody ? (
        <Empty icon={Users} title={words.empty} action={enrol}>
          {words.emptyHow}
        </Empty>
      ) : (
        <>
          <Search sought={sought} onSought={onSought} />
          <List query={query} sought={sought} />
        </>
      )}
    </Page>
  );
}

function Search({ sought, onSought }: Props) {
  const [typed, setTyped] = useState(sought);
  const [told, setTold] = useState(sought);
  if (told !== sought) {
    // Somebody went back or forward: the field follows the address.
    setTold(sought);
    setTyped(sought);
  }
  useEffect(() => {
    if (typed.trim() === sought) return;
    const timer = setTimeout(() => {
      setTold(typed.trim());
      onSought(typed.trim());
    }, PAUSE_MS);
    return () => clearTimeout(timer);
  }, [typed, sought, onSought]);
  return (
    <div className={styles["search"]}>
      <SearchField label={words.search} placeholder={words.searchPlaceholder} value={typed} onChange={setTyped} />
    </div>
  );
}

interface ListProps {
  readonly query: ReturnType<typeof usePeople>;
  readonly sought: string;
}

function List({ query, sought }: ListProps) {
  const { hasNextPage, isFetching, isError, fetchNextPage } = query;
  const found = query.data?.pages.flatMap((page) => page.users) ?? [];
  const readOn = sought !== "" && hasNextPage && found.length < ENOUGH && !isFetching && !isError;
  useEffect(() => {
    if (readOn) void fetchNextPage();
  }, [readOn, fetchNextPage]);

  return (
    <Loaded query={query}>
      {({ pages }) => {
        const total = pages[0]?.total ?? 0;
        if (found.length === 0 && !hasNextPage) return <NobodyFound sought={sought} />;
        return (
          <section className={styles["list"]} aria-busy={isFetching}>
            <p className={styles["count"]} role="status">
              {sought === ""
                ? words.count(formatCount(total))
                : words.found(formatCount(found.length), formatCount(total), hasNextPage)}
            </p>
            {found.length > 0 && (
              <Table label={words.title} columns={COLUMNS} rows={found} keyOf={(person) => person.user_id} />
            )}
            {query.error !== null && (
              <Notice tone="bad" action={<Button onPress={() => void fetchNextPage()}>{text.common.retry}</Button>}>
                {asProblem(query.error).detail}
              </Notice>
            )}
            {hasNextPage && (
              <Button isPending={query.isFetchingNextPage} onPress={() => void fetchNextPage()}>
                {query.isFetchingNextPage && sought !== "" ? words.searching : text.common.showMore}
              </Button>
            )}
          </section>
        );
      }}
    </Loaded>
  );
}

const COLUMNS: readonly Column<Person>[] = [
  {
    name: words.person,
    cell: (person) => (
      <Link className={styles["name"]} to="/people/$userId" params={{ userId: person.user_id }}>
        {person.user_id}
      </Link>
    ),
  },
  { name: words.state, cell: (person) => <StandingBadge person={person} /> },
  { name: words.photos, cell: (person) => person.samples, numeric: true },
  { name: words.networks, cell: (person) => networksOf(person) },
  { name: words.enrolled, cell: (person) => formatDate(person.enrolled_at) },
  { name: words.lastSeen, cell: (person) => lastSeen(person) },
];

function NobodyFound({ sought }: { readonly sought: string }) {
  return (
    <Empty icon={SearchX} title={words.noneFound(sought)}>
      {words.noneFoundHow}
    </Empty>
  );
}
