/** What a person chose; "system" follows the machine. */
export type Choice = "system" | "light" | "dark";

const KEY = "stonechat-theme";

/** Light or dark, chosen here or by the system; the choice outlives the page. */
export class Theme {
  choice = $state<Choice>("system");
  private systemDark = $state(false);

  /** What is on the screen now. */
  dark = $derived(this.choice === "dark" || (this.choice === "system" && this.systemDark));

  constructor() {
    const stored = storedChoice();
    if (stored === "light" || stored === "dark") this.choice = stored;
    const system = matchMedia("(prefers-color-scheme: dark)");
    this.systemDark = system.matches;
    system.addEventListener("change", () => (this.systemDark = system.matches));
  }

  choose(choice: Choice): void {
    this.choice = choice;
    if (choice === "system") delete document.documentElement.dataset["theme"];
    else document.documentElement.dataset["theme"] = choice;
    try {
      if (choice === "system") localStorage.removeItem(KEY);
      else localStorage.setItem(KEY, choice);
    } catch {
      // Storage may be forbidden; the choice then lasts as long as the page.
    }
  }
}

function storedChoice(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}
