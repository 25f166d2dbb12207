// Reads Tabler and hub.css, keeps what the pages use, and repeats every dark rule for the theme
// "auto" under prefers-color-scheme. Usage: node purge.mjs <job.json>, the job is written by build.py.
import { readFile, writeFile } from "node:fs/promises";
import postcss from "postcss";
import { PurgeCSS } from "purgecss";

const DARK = "[data-bs-theme=dark]";
const AUTO = "[data-bs-theme=auto]";

// Class names stand in class attributes and in quoted words of templates and Python, element names
// after "<"; running text such as "table" or "active" does not keep rules alive.
function names(content) {
  const quoted = content.match(/"[^"\n]*"|'[^'\n]*'/g) ?? [];
  const elements = [...content.matchAll(/<([a-z][a-z0-9]*)/g)].map((found) => found[1]);
  return elements.concat(quoted.flatMap((text) => text.match(/[A-Za-z][\w-]*/g) ?? []));
}

const repeatDarkForAuto = {
  postcssPlugin: "repeat-dark-for-auto",
  Once(root) {
    root.walkRules((rule) => {
      const dark = rule.selectors.filter((one) => one.includes(DARK) && !one.includes("=light]"));
      if (dark.length === 0 || rule.parent.name === "keyframes") return;
      // A rule that already names "auto" holds for it in both appearances.
      if (rule.selectors.some((one) => one.includes(AUTO))) return;
      const copy = rule.clone({ selectors: dark.map((one) => one.replaceAll(DARK, AUTO)) });
      const media = postcss.atRule({ name: "media", params: "(prefers-color-scheme: dark)" });
      media.append(copy);
      rule.after(media);
    });
  },
};

const job = JSON.parse(await readFile(process.argv[2], "utf8"));
for (const { source, target, purge } of job.styles) {
  let css = await readFile(source, "utf8");
  if (purge) {
    const [result] = await new PurgeCSS().purge({
      css: [{ raw: css }],
      content: job.content.map((file) => ({ raw: file.text, extension: "txt" })),
      defaultExtractor: names,
      safelist: job.safelist,
      keyframes: true,
      variables: true,
    });
    css = result.css;
  }
  const { css: built } = await postcss([repeatDarkForAuto]).process(css, { from: undefined });
  await writeFile(target, built);
}
