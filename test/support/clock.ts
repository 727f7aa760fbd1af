export type FakeClock = {
  now: () => Date
  advance: (seconds: number) => void
  set: (instant: string) => void
}

/** A clock that moves only when told. */
export function fakeClock(instant = '2026-03-01T09:00:00Z'): FakeClock {
  let time = new Date(instant)
  return {
    now: () => new Date(time),
    advance: seconds => { time = new Date(time.getTime() + seconds * 1000) },
    set: newInstant => { time = new Date(newInstant) },
  }
}
