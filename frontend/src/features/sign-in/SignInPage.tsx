import { text } from "@/shared/text/text";
import { Page } from "@/shared/ui/Page";

export function SignInPage() {
  return <Page title={text.signIn.title}>{null}</Page>;
}
