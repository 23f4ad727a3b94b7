import { access } from "./access";
import { activity } from "./activity";
import { camera } from "./camera";
import { common } from "./common";
import { enrol } from "./enrol";
import { fairness } from "./fairness";
import { identify } from "./identify";
import { login } from "./login";
import { people } from "./people";
import { photo } from "./photo";
import { problems } from "./problems";
import { signIn } from "./sign-in";
import { spoofs } from "./spoofs";
import { system } from "./system";
import { userId } from "./user-id";
import { voice } from "./voice";

export const en = {
  access,
  activity,
  camera,
  common,
  enrol,
  fairness,
  identify,
  login,
  people,
  photo,
  problems,
  signIn,
  spoofs,
  system,
  userId,
  voice,
};
