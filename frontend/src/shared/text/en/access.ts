export const access = {
  title: "Access",
  intro: "Who may run this FaceKey, which applications may ask it, and addresses that must wait.",
  open: "This FaceKey runs without accounts",
  openHow:
    "In the development profile whoever reaches it from this machine may do everything. Accounts and keys that you add here count as soon as the profile is production or strict.",
  name: "Name",
  nameInvalid: "3 to 64 small letters, digits and . _ - with a letter or digit at both ends.",
  state: "State",
  actions: "Actions",

  secret: {
    once: "This is shown once. It can't be seen again, only replaced.",
    until: "It is good until",
    kept: "I have kept it",
  },

  operators: {
    title: "Operators",
    hint: "People with a name and a password.",
    none: "There are no operators",
    noneHow: "Add an administrator before you leave the development profile: without one the service doesn't start.",
    add: "Add operator",
    addAction: "Add",
    nameHint: "They log in with it. The audit log has a random number instead.",
    role: "Role",
    roles: { operator: "Operator", admin: "Administrator" },
    roleSays: {
      operator: "Sees people and records, enrols, erases, unlocks.",
      admin: "The same, and adds operators and keys.",
    },
    added: "Added",
    you: "You",
    states: { active: "Active", invited: "Must choose a password", disabled: "Disabled" },
    password: "one-time password",
    passwordOf: (name: string) => `One-time password of ${name}`,
    passwordSays: "Give it to them over a safe way. It is good for one thing: choosing a password of their own.",
    reset: {
      button: "Reset password",
      of: (name: string) => `Reset password of ${name}`,
      title: (name: string) => `Reset the password of ${name}?`,
      says: "They are signed out everywhere, and the old password no longer counts. You get a one-time password for them.",
      action: "Reset password",
    },
    disable: {
      button: "Disable",
      of: (name: string) => `Disable ${name}`,
      title: (name: string) => `Disable ${name}?`,
      says: "They are signed out everywhere and can't log in again. The account stays, so that records can be understood. This can't be undone.",
      action: "Disable",
    },
  },

  keys: {
    title: "API keys",
    hint: "For applications that ask FaceKey, and machines that watch it.",
    none: "There are no API keys",
    noneHow: "An application sends its key with each request: Authorization: Bearer KEY.",
    add: "Add API key",
    addAction: "Make key",
    nameHint: "What the key is for, such as door or prometheus.",
    role: "Role",
    roles: { service: "Application", monitor: "Monitor", operator: "Operator" },
    roleSays: {
      service: "Recognises, enrols, exports and erases.",
      monitor: "Reads /metrics and nothing else.",
      operator: "All that a human operator may. Take it only for scripts of your own.",
    },
    audience: "Face tokens for",
    audienceField: "Face tokens for (optional)",
    audienceHint:
      "The address of the application that people are signed in to, such as https://shop.example. It can't be changed later.",
    lastsField: "Lasts",
    lasts: { "90": "90 days", "365": "A year", "730": "Two years", never: "Until it is revoked" },
    neverSays: "A key without an end is one that nobody ever looks at again. Take it only where it can't be changed.",
    lastUsed: "Last used",
    ends: "Ends",
    states: { active: "Active", ends_soon: "Ends soon", ended: "Ended", revoked: "Revoked" },
    key: "API key",
    keyOf: (name: string) => `API key of ${name}`,
    keySays: "Put it into the secrets of the application.",
    revoke: "Revoke",
    revokeOf: (name: string) => `Revoke ${name}`,
    revokeTitle: (name: string) => `Revoke the key ${name}?`,
    revokeSays: "From the next request on it opens nothing. This can't be undone; make a new key instead.",
  },

  address: {
    title: "Attempts from an address",
    hint: "After five failures in a row an address must wait, longer each time; at fifty it is locked. People are unlocked on their own page.",
    field: "Address",
    example: "192.0.2.7",
    lookUp: "Look up",
    invalid: "That is no IP address.",
    failures: (count: number) =>
      count === 0
        ? "no failed attempts in a row."
        : count === 1
          ? "1 failed attempt in a row."
          : `${count} failed attempts in a row.`,
    mayTry: "It may try at once.",
    waitsUntil: "It must wait until",
    lockedSince: "Locked since",
    unlock: "Unlock",
    unlockTitle: (address: string) => `Unlock ${address}?`,
    unlockSays: "The count of failed attempts begins anew. It goes on record that you did this.",
  },
};
