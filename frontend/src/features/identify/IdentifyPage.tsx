import { text } from "@/shared/text/text";
import { Page } from "@/shared/ui/Page";

export function IdentifyPage() {
  return <Page title={text.identify.title}>{null}</Page>;
}
