export const identify = {
  title: "Identify",
};
