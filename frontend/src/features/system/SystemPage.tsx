import { Tab, TabList, TabPanel, Tabs } from "react-aria-components";

import { text } from "@/shared/text/text";
import { Page } from "@/shared/ui/Page";

import { Checks } from "./Checks";
import { Keys } from "./Keys";
import { Overview } from "./Overview";
import { Performance } from "./Performance";
import { SECTIONS, type Section } from "./sections";

import styles from "./System.module.css";

const words = text.system;
const CONTENT = { overview: Overview, checks: Checks, keys: Keys, performance: Performance };

interface Props {
  readonly section: Section;
  readonly onSection: (section: Section) => void;
}

/** What runs here, how fit it is, which keys it has, and how fast it decides. */
export function SystemPage({ section, onSection }: Props) {
  return (
    <Page title={words.title}>
      <Tabs
        className={styles["tabs"] ?? ""}
        selectedKey={section}
        onSelectionChange={(key) => {
          const chosen = SECTIONS.find((one) => one === key);
          if (chosen !== undefined && chosen !== section) onSection(chosen);
        }}
      >
        <TabList aria-label={words.title} className={styles["tabList"] ?? ""}>
          {SECTIONS.map((one) => (
            <Tab key={one} id={one} className={styles["tab"] ?? ""}>
              {words.sections[one]}
            </Tab>
          ))}
        </TabList>
        {SECTIONS.map((one) => {
          const Content = CONTENT[one];
          return (
            <TabPanel key={one} id={one} className={styles["panel"] ?? ""}>
              <Content />
            </TabPanel>
          );
        })}
      </Tabs>
    </Page>
  );
}
