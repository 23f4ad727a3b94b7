import { Page } from "@/shared/ui/Page";

export function PersonPage({ userId }: { readonly userId: string }) {
  return <Page title={userId}>{null}</Page>;
}
