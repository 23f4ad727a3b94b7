import { text } from "@/shared/text/text";
import { Page } from "@/shared/ui/Page";

export function ActivityPage() {
  return <Page title={text.activity.title}>{null}</Page>;
}
