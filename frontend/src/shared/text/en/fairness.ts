export const fairness = {
  title: "Fairness",
  intro:
    "Whether people of one group are refused, accepted in error or taken for spoofs more often than others. Groups are what people declare of themselves.",
  empty: "Nobody declared a group",
  emptyHow: "FaceKey never guesses what group anybody belongs to. To watch for unfairness:",
  emptySteps: [
    "Ask people for a consent with the purpose bias_monitoring.",
    "Let them declare what they want: PUT /api/v1/users/{user_id}/labels.",
    "The report has figures as soon as 20 people of a group, and 20 others, have declared.",
  ],
  emptyNever: "What they declare is sealed with their own key and used for nothing else.",
  alarms: (count: number) => (count === 1 ? "One group is worse off" : `${count} rates are worse for one group`),
  alarm: (who: string, what: string, ratio: string | null) =>
    ratio === null
      ? `${who}: ${what}, and the others never.`
      : `${who}: ${what} ${ratio} times as often as the others.`,
  alarmHow: "Install a stronger recognition network, or take a stricter threshold, and measure on your own people.",
  nothingKnown: "Nothing can be said yet",
  nothingKnownHow: "There are not enough samples in any group. That doesn't mean that all is well.",
  noAlarm: "No group rings",
  allTold: (told: number) => `All ${told} rates could be compared, and none is worse by the rule below.`,
  partTold: (told: number, unknown: number) =>
    `${told === 1 ? "1 rate" : `${told} rates`} could be compared. Of ${unknown} nothing is known, least of all that all is well: there are not enough samples.`,
  ruleTitle: "The rule",
  ruleUnknown:
    "“Not enough samples” means that nothing is known. A group of 40 with few errors can be twice as badly off and not ring.",
  made: (people: number) => `Made from ${people === 1 ? "1 person" : `${people} people`} at`,
  howOften: "A report is at most an hour old.",
  notEnough: "Not enough samples",
  groupPeople: (group: string, people: number) => `${group}: ${people === 1 ? "1 person" : `${people} people`}`,
  people: (people: number) => (people === 1 ? "1 person" : `${people} people`),
  ratio: (ratio: string) => `${ratio} × the others`,
  verdicts: {
    alarm: "Worse off",
    not_worse: "Not clearly worse",
    too_few_people: "Too few people",
    too_few_errors: "Too few errors to tell",
  },
  table: {
    name: "Group",
    chart: "Rate and 95 % interval; hollow: all others",
    own: "Rate",
    others: "All others",
    verdict: "Verdict",
  },
  rates: {
    fmr: {
      name: "False matches (FMR)",
      says: "Two different people of the group are taken for each other.",
      what: "two of them are taken for each other",
    },
    fmr_at_1_percent: {
      name: "False matches at a lax threshold",
      says: "The same at the threshold that one stranger in a hundred passes. It tells more with few people.",
      what: "two of them are taken for each other, at a lax threshold,",
    },
    fnmr: {
      name: "False non-matches (FNMR)",
      says: "A photo isn't recognised as the person it shows. Measured among the photos of the enrolment.",
      what: "they are not recognised",
    },
    bpcer: {
      name: "Live people taken for spoofs (BPCER)",
      says: "Somebody is taken for a spoof and let in within ten minutes after it.",
      what: "live people are taken for spoofs",
    },
    apcer: {
      name: "Spoofs taken for live (APCER)",
      says: "A spoof passes. Measured on test data only: nobody says that they attack.",
      what: "spoofs pass",
    },
  },
  groups: {
    age_band: "Age",
    under_18: "Under 18",
    "18_29": "18 to 29",
    "30_44": "30 to 44",
    "45_59": "45 to 59",
    "60_plus": "60 and over",
    gender: "Gender",
    woman: "Women",
    man: "Men",
    non_binary: "Non-binary",
    another: "Another",
    skin_tone: "Skin tone (Monk scale)",
    monk_1_3: "Monk 1 to 3",
    monk_4_6: "Monk 4 to 6",
    monk_7_10: "Monk 7 to 10",
  } as Readonly<Record<string, string>>,
};
