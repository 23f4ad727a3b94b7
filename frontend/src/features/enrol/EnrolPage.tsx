import { text } from "@/shared/text/text";
import { Page } from "@/shared/ui/Page";

export function EnrolPage() {
  return <Page title={text.enrol.title}>{null}</Page>;
}
