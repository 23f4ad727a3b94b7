export const userId = {
  label: "User id",
  hint: "Letters, digits and . _ @ + -",
  missing: "Enter a user id.",
  tooLong: "A user id has at most 128 characters.",
  begins: "A user id begins with a letter or digit.",
  holds: (what: string) => `A user id can't have ${what}. It takes letters A to Z, digits and . _ @ + -`,
  space: "a space",
};
