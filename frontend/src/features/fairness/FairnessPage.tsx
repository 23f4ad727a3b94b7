import { text } from "@/shared/text/text";
import { Page } from "@/shared/ui/Page";

export function FairnessPage() {
  return <Page title={text.fairness.title}>{null}</Page>;
}
