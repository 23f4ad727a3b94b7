import "@/shared/theme/tokens.css";

import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { RouterProvider as AriaRouterProvider } from "react-aria-components";

import { session } from "@/shared/session/session";
import { applyTheme, chosenTheme } from "@/shared/theme/theme";

import { queries } from "./queries";
import { router } from "./router";

applyTheme(chosenTheme());
// Whatever was seen on behalf of one operator must not be shown to the next.
session.subscribe(() => {
  if (session.current().state === "signed_out") queries.clear();
});
void session.start();

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root");
createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={queries}>
      <AriaRouterProvider navigate={(href) => void router.navigate({ href })}>
        <RouterProvider router={router} />
      </AriaRouterProvider>
    </QueryClientProvider>
  </StrictMode>,
);
