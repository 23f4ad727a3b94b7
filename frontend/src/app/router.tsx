import { createRootRoute, createRoute, createRouter, lazyRouteComponent, redirect } from "@tanstack/react-router";
import { useCallback } from "react";

import { filtersOf } from "@/features/activity/filters";
import { LoginPage } from "@/features/login/LoginPage";
import { sectionOf } from "@/features/system/sections";

import { Defect, Missing } from "./faults";
import { Guarded } from "./Guarded";
import { Shell } from "./Shell";

const root = createRootRoute({ component: Shell, notFoundComponent: Missing, errorComponent: Defect });

const start = createRoute({
  getParentRoute: () => root,
  path: "/",
  beforeLoad: () => {
    throw redirect({ to: "/sign-in", replace: true });
  },
});

interface LoginSearch {
  readonly next?: string;
}

const login = createRoute({
  getParentRoute: () => root,
  path: "/login",
  // Only a path of our own: anything else would let a link send people elsewhere after they signed in.
  validateSearch: (search: Record<string, unknown>): LoginSearch =>
    typeof search["next"] === "string" && /^\/[a-z]/.test(search["next"]) ? { next: search["next"] } : {},
  component: function Login() {
    const { next } = login.useSearch();
    return <LoginPage next={next ?? "/sign-in"} />;
  },
});

const faces = createRoute({
  getParentRoute: () => root,
  id: "faces",
  component: () => <Guarded permission="recognise" />,
});
const enrolment = createRoute({
  getParentRoute: () => root,
  id: "enrolment",
  component: () => <Guarded permission="enrol" />,
});
const listing = createRoute({
  getParentRoute: () => root,
  id: "listing",
  component: () => <Guarded permission="list_people" />,
});
const records = createRoute({
  getParentRoute: () => root,
  id: "records",
  component: () => <Guarded permission="read_records" />,
});
const administration = createRoute({
  getParentRoute: () => root,
  id: "administration",
  component: () => <Guarded permission="administer" />,
});

const signIn = createRoute({
  getParentRoute: () => faces,
  path: "/sign-in",
  component: lazyRouteComponent(() => import("@/features/sign-in/SignInPage"), "SignInPage"),
});
const identify = createRoute({
  getParentRoute: () => faces,
  path: "/identify",
  component: lazyRouteComponent(() => import("@/features/identify/IdentifyPage"), "IdentifyPage"),
});
const enrol = createRoute({
  getParentRoute: () => enrolment,
  path: "/enrol",
  component: lazyRouteComponent(() => import("@/features/enrol/EnrolPage"), "EnrolPage"),
});
const PeoplePage = lazyRouteComponent(() => import("@/features/people/PeoplePage"), "PeoplePage");
const people = createRoute({
  getParentRoute: () => listing,
  path: "/people",
  // A search that is all digits arrives as a number.
  validateSearch: ({ q }: Record<string, unknown>): { readonly q?: string } =>
    (typeof q === "string" && q !== "") || typeof q === "number" ? { q: String(q) } : {},
  loader: () => PeoplePage.preload?.(),
  component: function People() {
    const { q } = people.useSearch();
    const navigate = people.useNavigate();
    const onSought = useCallback(
      (sought: string) => void navigate({ search: sought === "" ? {} : { q: sought }, replace: true }),
      [navigate],
    );
    return <PeoplePage sought={q ?? ""} onSought={onSought} />;
  },
});
const PersonPage = lazyRouteComponent(() => import("@/features/people/PersonPage"), "PersonPage");
const person = createRoute({
  getParentRoute: () => listing,
  path: "/people/$userId",
  loader: () => PersonPage.preload?.(),
  component: function Person() {
    const { userId } = person.useParams();
    return <PersonPage key={userId} userId={userId} />;
  },
});
const ActivityPage = lazyRouteComponent(() => import("@/features/activity/ActivityPage"), "ActivityPage");
const activity = createRoute({
  getParentRoute: () => records,
  path: "/activity",
  validateSearch: filtersOf,
  loader: () => ActivityPage.preload?.(),
  component: function Activity() {
    const navigate = activity.useNavigate();
    return <ActivityPage filters={activity.useSearch()} onFilters={(search) => void navigate({ search })} />;
  },
});
const spoofs = createRoute({
  getParentRoute: () => records,
  path: "/spoofs",
  component: lazyRouteComponent(() => import("@/features/spoofs/SpoofsPage"), "SpoofsPage"),
});
const fairness = createRoute({
  getParentRoute: () => records,
  path: "/fairness",
  component: lazyRouteComponent(() => import("@/features/fairness/FairnessPage"), "FairnessPage"),
});
const SystemPage = lazyRouteComponent(() => import("@/features/system/SystemPage"), "SystemPage");
const system = createRoute({
  getParentRoute: () => records,
  path: "/system",
  validateSearch: sectionOf,
  loader: () => SystemPage.preload?.(),
  component: function System() {
    const { section } = system.useSearch();
    const navigate = system.useNavigate();
    return (
      <SystemPage
        section={section ?? "overview"}
        onSection={(chosen) => void navigate({ search: { section: chosen }, replace: true })}
      />
    );
  },
});
const access = createRoute({
  getParentRoute: () => administration,
  path: "/access",
  component: lazyRouteComponent(() => import("@/features/access/AccessPage"), "AccessPage"),
});

export const router = createRouter({
  routeTree: root.addChildren([
    start,
    login,
    faces.addChildren([signIn, identify]),
    enrolment.addChildren([enrol]),
    listing.addChildren([people, person]),
    records.addChildren([activity, spoofs, fairness, system]),
    administration.addChildren([access]),
  ]),
  defaultPreload: "intent",
  scrollRestoration: false,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
