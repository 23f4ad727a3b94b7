import {
  Activity,
  Cpu,
  KeyRound,
  Scale,
  ScanFace,
  ScanSearch,
  ShieldAlert,
  UserPlus,
  Users,
  type LucideIcon,
} from "lucide-react";

import { type Permission } from "@/shared/session/session";
import { text } from "@/shared/text/text";

export interface Destination {
  readonly to: string;
  readonly label: string;
  readonly icon: LucideIcon;
  readonly permission: Permission;
}

export interface Group {
  readonly label: string;
  readonly destinations: readonly Destination[];
}

export const NAVIGATION: readonly Group[] = [
  {
    label: text.common.faces,
    destinations: [
      { to: "/sign-in", label: text.signIn.title, icon: ScanFace, permission: "recognise" },
      { to: "/enrol", label: text.enrol.title, icon: UserPlus, permission: "enrol" },
      { to: "/identify", label: text.identify.title, icon: ScanSearch, permission: "recognise" },
    ],
  },
  {
    label: text.common.operate,
    destinations: [
      { to: "/people", label: text.people.title, icon: Users, permission: "list_people" },
      { to: "/activity", label: text.activity.title, icon: Activity, permission: "read_records" },
      { to: "/spoofs", label: text.spoofs.title, icon: ShieldAlert, permission: "read_records" },
      { to: "/fairness", label: text.fairness.title, icon: Scale, permission: "read_records" },
      { to: "/system", label: text.system.title, icon: Cpu, permission: "read_records" },
      { to: "/access", label: text.access.title, icon: KeyRound, permission: "administer" },
    ],
  },
];
