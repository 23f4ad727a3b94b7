import { text } from "@/shared/text/text";
import { Page } from "@/shared/ui/Page";

export function SpoofsPage() {
  return <Page title={text.spoofs.title}>{null}</Page>;
}
