import { createRootRoute, createRoute, createRouter, lazyRouteComponent, redirect } from "@tanstack/react-router";
import { useCallback } from "react";

import { filtersOf } from "@/features/activity/filters";
import { LoginPage } from "@/features/login/LoginPage";
import { sectionOf } from "@/features/system/sections";

import { Defect, Missing } from "./faults";
import { fetched } from "./fetched";
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

const signInPageFile = () => import("@/features/sign-in/SignInPage");
const signIn = createRoute({
  getParentRoute: () => faces,
  path: "/sign-in",
  loader: fetched(signInPageFile),
  component: lazyRouteComponent(signInPageFile, "SignInPage"),
});
const identifyPageFile = () => import("@/features/identify/IdentifyPage");
const identify = createRoute({
  getParentRoute: () => faces,
  path: "/identify",
  loader: fetched(identifyPageFile),
  component: lazyRouteComponent(identifyPageFile, "IdentifyPage"),
});
const enrolPageFile = () => import("@/features/enrol/EnrolPage");
const enrol = createRoute({
  getParentRoute: () => enrolment,
  path: "/enrol",
  loader: fetched(enrolPageFile),
  component: lazyRouteComponent(enrolPageFile, "EnrolPage"),
});
const peoplePageFile = () => import("@/features/people/PeoplePage");
const PeoplePage = lazyRouteComponent(peoplePageFile, "PeoplePage");
const people = createRoute({
  getParentRoute: () => listing,
  path: "/people",
  // A search that is all digits arrives as a number.
  validateSearch: ({ q }: Record<string, unknown>): { readonly q?: string } =>
    (typeof q === "string" && q !== "") || typeof q === "number" ? { q: String(q) } : {},
  loader: fetched(peoplePageFile, PeoplePage),
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
const personPageFile = () => import("@/features/people/PersonPage");
const PersonPage = lazyRouteComponent(personPageFile, "PersonPage");
const person = createRoute({
  getParentRoute: () => listing,
  path: "/people/$userId",
  loader: fetched(personPageFile, PersonPage),
  component: function Person() {
    const { userId } = person.useParams();
    return <PersonPage key={userId} userId={userId} />;
  },
});
const activityPageFile = () => import("@/features/activity/ActivityPage");
const ActivityPage = lazyRouteComponent(activityPageFile, "ActivityPage");
const activity = createRoute({
  getParentRoute: () => records,
  path: "/activity",
  validateSearch: filtersOf,
  loader: fetched(activityPageFile, ActivityPage),
  component: function Activity() {
    const navigate = activity.useNavigate();
    return <ActivityPage filters={activity.useSearch()} onFilters={(search) => void navigate({ search })} />;
  },
});
const spoofsPageFile = () => import("@/features/spoofs/SpoofsPage");
const spoofs = createRoute({
  getParentRoute: () => records,
  path: "/spoofs",
  loader: fetched(spoofsPageFile),
  component: lazyRouteComponent(spoofsPageFile, "SpoofsPage"),
});
const fairnessPageFile = () => import("@/features/fairness/FairnessPage");
const fairness = createRoute({
  getParentRoute: () => records,
  path: "/fairness",
  loader: fetched(fairnessPageFile),
  component: lazyRouteComponent(fairnessPageFile, "FairnessPage"),
});
const systemPageFile = () => import("@/features/system/SystemPage");
const SystemPage = lazyRouteComponent(systemPageFile, "SystemPage");
const system = createRoute({
  getParentRoute: () => records,
  path: "/system",
  validateSearch: sectionOf,
  loader: fetched(systemPageFile, SystemPage),
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
const accessPageFile = () => import("@/features/access/AccessPage");
const access = createRoute({
  getParentRoute: () => administration,
  path: "/access",
  loader: fetched(accessPageFile),
  component: lazyRouteComponent(accessPageFile, "AccessPage"),
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
  defaultErrorComponent: Defect,
  scrollRestoration: false,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
