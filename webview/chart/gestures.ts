/**
 * Mouse, wheel and touch on the chart, as movements of the view.
 *
 * The library could pan and zoom by itself, but it counts from the last bar it holds, and it holds only a window of the
 * run: exchanging the window in the middle of a drag would make the chart jump. So the view is ours, and the library is
 * told which part to show.
 */

export interface GestureHandlers {
  /** Width of the part that shows bars, and height of everything above the time axis. */
  area(): { width: number; height: number };
  /** Move by pixels; positive drags the chart to the right. */
  pan(pixels: number): void;
  /** Show `factor` times as much, keeping what is at `x` where it is. */
  zoom(factor: number, x: number): void;
  /** A drag begins. */
  grab(): void;
  /** A click or tap without movement, in pixels of the element. */
  click(x: number, y: number): void;
  fit(): void;
}

/** Less movement than this is a click. */
const STILL = 4;

/** Attach to an element; gives the way to detach. */
export function attachGestures(element: HTMLElement, on: GestureHandlers): () => void {
  const pointers = new Map<number, { x: number; y: number }>();
  let moved = 0;
  let onAxis = false;
  let dragging = false;

  /** Measured when a gesture begins: asking on every movement would make the browser lay the page out each time. */
  let origin = { left: 0, top: 0 };
  const measure = () => {
    origin = element.getBoundingClientRect();
  };
  const at = (event: PointerEvent | WheelEvent | MouseEvent) => ({ x: event.clientX - origin.left, y: event.clientY - origin.top });

  const down = (event: PointerEvent) => {
    measure();
    const point = at(event);
    const { width, height } = on.area();
    // Price axes and the handles between panes are the library's.
    if (event.button !== 0 || point.x > width || !(event.target instanceof HTMLCanvasElement)) return;
    if (pointers.size === 0) {
      moved = 0;
      onAxis = point.y > height;
      window.addEventListener("pointermove", move);
      window.addEventListener("pointerup", up);
      window.addEventListener("pointercancel", up);
    }
    pointers.set(event.pointerId, point);
  };

  const move = (event: PointerEvent) => {
    const before = pointers.get(event.pointerId);
    if (!before) return;
    const now = at(event);
    const shift = now.x - before.x;
    moved += Math.abs(shift) + Math.abs(now.y - before.y);
    const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
    pointers.set(event.pointerId, now);
    if (shift === 0 || moved < STILL) return;
    if (!dragging) {
      dragging = true;
      element.classList.add("is-dragging");
      on.grab();
    }
    if (other) {
      const apart = Math.max(10, Math.abs(now.x - other.x));
      on.zoom(Math.max(10, Math.abs(before.x - other.x)) / apart, (now.x + other.x) / 2);
    } else if (onAxis) on.zoom(Math.exp(-shift / 200), on.area().width);
    else on.pan(shift);
  };

  const up = (event: PointerEvent) => {
    const point = pointers.get(event.pointerId);
    if (!point || !pointers.delete(event.pointerId)) return;
    if (moved < STILL && event.type === "pointerup" && !onAxis) on.click(point.x, point.y);
    if (pointers.size === 0) stop();
  };

  const stop = () => {
    dragging = false;
    element.classList.remove("is-dragging");
    window.removeEventListener("pointermove", move);
    window.removeEventListener("pointerup", up);
    window.removeEventListener("pointercancel", up);
  };

  /** Whoever drags looks at where the chart goes: the library need not move its cross as well. */
  const hush = (event: MouseEvent) => {
    if (dragging) event.stopPropagation();
  };

  const wheel = (event: WheelEvent) => {
    measure();
    const point = at(event);
    if (point.x > on.area().width) return;
    event.preventDefault();
    const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : event.deltaMode === WheelEvent.DOM_DELTA_PAGE ? 400 : 1;
    const sideways = event.shiftKey && event.deltaX === 0 ? event.deltaY : event.deltaX;
    if (Math.abs(sideways) > Math.abs(event.deltaY) || (event.shiftKey && sideways !== 0)) on.pan(-sideways * unit);
    // A pinch on a touchpad arrives as a wheel with the control key and small steps.
    else if (event.deltaY !== 0) on.zoom(Math.exp(Math.min(Math.max(event.deltaY * unit * (event.ctrlKey ? 0.01 : 0.0015), -0.6), 0.6)), point.x);
  };

  const twice = (event: MouseEvent) => {
    measure();
    const point = at(event);
    if (point.y > on.area().height && point.x <= on.area().width) on.fit();
  };

  element.addEventListener("pointerdown", down);
  element.addEventListener("mousemove", hush, { capture: true });
  element.addEventListener("wheel", wheel, { passive: false });
  element.addEventListener("dblclick", twice);
  return () => {
    stop();
    element.removeEventListener("pointerdown", down);
    element.removeEventListener("mousemove", hush, { capture: true });
    element.removeEventListener("wheel", wheel);
    element.removeEventListener("dblclick", twice);
  };
}
