/** What the pages take from `syncd/web/static/ui.js`, for the compiler: preact's minified module tells it nothing. */
export type Drawn = unknown;
export type Component = (props: any) => Drawn;
export interface Context<T> {
  Provider: Component;
  readonly value?: T;
}
export interface Ref<T> {
  current: T;
}
type Setter<T> = (next: T | ((before: T) => T)) => void;

export function html(parts: TemplateStringsArray, ...values: unknown[]): Drawn;
export function render(drawn: Drawn, parent: Element): void;
// What begins as null or as an empty list, and says no more, may become anything.
export function createContext(value: null): Context<any>;
export function useState(first: null): [any, Setter<any>];
export function useState(first: never[]): [any[], Setter<any[]>];
export function useRef(first: null): Ref<any>;

export function createContext<T>(value: T): Context<T>;
export function useContext<T>(context: Context<T>): T;
export function useState<T>(first: T | (() => T)): [T, Setter<T>];
export function useReducer<S, A = void>(reduce: (state: S, action: A) => S, first: S): [S, (action: A) => void];
export function useRef<T>(first: T): Ref<T>;
export function useMemo<T>(make: () => T, inputs: readonly unknown[]): T;
export function useCallback<F>(callback: F, inputs: readonly unknown[]): F;
export function useEffect(effect: () => void | (() => void), inputs?: readonly unknown[]): void;
export function useLayoutEffect(effect: () => void | (() => void), inputs?: readonly unknown[]): void;
