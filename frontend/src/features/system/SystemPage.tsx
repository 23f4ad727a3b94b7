import { text } from "@/shared/text/text";
import { Page } from "@/shared/ui/Page";

export function SystemPage() {
  return <Page title={text.system.title}>{null}</Page>;
}
