import { text } from "@/shared/text/text";
import { Page } from "@/shared/ui/Page";

export function AccessPage() {
  return <Page title={text.access.title}>{null}</Page>;
}
