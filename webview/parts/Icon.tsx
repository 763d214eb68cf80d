/** A codicon. Decoration only: whatever it stands on has a name of its own. */
export function Icon({ name, spin = false }: { name: string; spin?: boolean }) {
  return <span aria-hidden="true" className={`codicon codicon-${name}${spin ? " codicon-modifier-spin" : ""}`} />;
}
