// Tagged templates instead of JSX: nothing to compile, and text is always text.
import { h } from "preact";
import htm from "htm";

export const html = htm.bind(h);
