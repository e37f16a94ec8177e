/** What the console's charts take from uPlot, whose minified module tells the compiler nothing. */
export default class uPlot {
  constructor(options: object, data: readonly unknown[][], place: Element);
  static tzDate(date: Date, zone: string): Date;
  setSize(size: { width: number; height: number }): void;
  setData(data: readonly unknown[][], resetScales?: boolean): void;
  setScale(name: string, range: { min: number; max: number }): void;
  destroy(): void;
}
