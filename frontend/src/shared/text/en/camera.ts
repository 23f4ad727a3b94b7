export const camera = {
  title: "Camera",
};
