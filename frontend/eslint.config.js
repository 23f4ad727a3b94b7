import js from "@eslint/js";
import jsxA11y from "eslint-plugin-jsx-a11y";
import reactHooks from "eslint-plugin-react-hooks";
import { globalIgnores } from "eslint/config";
import { readdirSync } from "node:fs";
import tseslint from "typescript-eslint";

const features = readdirSync(`${import.meta.dirname}/src/features`);

/** Imports point one way: app -> features -> shared, and no feature knows another. */
const layers = [
  {
    files: ["src/shared/**"],
    rules: { "no-restricted-imports": ["error", { patterns: ["@/app/*", "@/features/*", "**/features/*"] }] },
  },
  ...features.map((feature) => ({
    files: [`src/features/${feature}/**`],
    rules: {
      "no-restricted-imports": [
        "error",
        {
          patterns: [
            "@/app/*",
            ...features
              .filter((other) => other !== feature)
              .flatMap((other) => [`@/features/${other}/*`, `../${other}/*`]),
          ],
        },
      ],
    },
  })),
];

export default tseslint.config(
  globalIgnores(["dist", "src/shared/api/schema.d.ts"]),
  js.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  ...tseslint.configs.stylisticTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      "@typescript-eslint/only-throw-error": [
        "error",
        { allow: [{ from: "package", package: "@tanstack/router-core", name: "Redirect" }] },
      ],
    },
  },
  { files: ["src/**/*.tsx"], ...jsxA11y.flatConfigs.strict },
  { files: ["src/**/*.{ts,tsx}"], ...reactHooks.configs.flat.recommended },
  ...layers,
  { files: ["*.js"], ...tseslint.configs.disableTypeChecked },
);
