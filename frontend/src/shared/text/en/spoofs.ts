export const spoofs = {
  title: "Spoof attempts",
};
