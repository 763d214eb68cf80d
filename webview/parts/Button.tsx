import type { ButtonHTMLAttributes, ReactNode } from "react";
import { Icon } from "./Icon.tsx";

interface Props extends ButtonHTMLAttributes<HTMLButtonElement> {
  readonly icon?: string;
  readonly spin?: boolean;
  readonly look?: "primary" | "secondary" | "link";
  readonly children: ReactNode;
}

/** A push button as the editor draws them. */
export function Button({ icon, spin = false, look = "secondary", children, className, ...rest }: Props) {
  return (
    <button type="button" className={`button is-${look} ${className ?? ""}`} {...rest}>
      {icon ? <Icon name={icon} spin={spin} /> : null}
      <span>{children}</span>
    </button>
  );
}

interface ToolProps extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, "children"> {
  readonly icon: string;
  /** Says what it does; also shown on hover. */
  readonly label: string;
}

/** A button that is only an icon. */
export function ToolButton({ icon, label, className, ...rest }: ToolProps) {
  return (
    <button type="button" className={`tool ${className ?? ""}`} aria-label={label} title={label} {...rest}>
      <Icon name={icon} />
    </button>
  );
}
