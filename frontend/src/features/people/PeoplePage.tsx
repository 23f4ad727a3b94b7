import { text } from "@/shared/text/text";
import { Page } from "@/shared/ui/Page";

export function PeoplePage() {
  return <Page title={text.people.title}>{null}</Page>;
}
