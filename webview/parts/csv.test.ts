import { expect, test } from "vitest";
import { csvFile } from "./csv.ts";

test("cells with separators, quotes and line breaks are quoted; nothing and NaN are empty", () => {
  const text = new TextDecoder().decode(
    csvFile(
      ["a", "b"],
      [
        [1.5, "x,y"],
        [null, 'say "hi"'],
        [Number.NaN, "two\nlines"],
        [-2, ""],
      ],
    ),
  );
  expect(text).toBe('a,b\r\n1.5,"x,y"\r\n,"say ""hi"""\r\n,"two\nlines"\r\n-2,\r\n');
});
