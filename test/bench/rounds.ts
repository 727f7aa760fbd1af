/** Takes turns: each is measured once in every round, so that what else the machine does falls on all of them. */
import type { Stage } from './stage.ts'
import { digits, median, type Series } from './table.ts'

/** @property about  what else was seen in this round */
export type Sample = { value: number, about?: Readonly<Record<string, number>> }
/** @property once  measured in the first round only, because it takes long and does not vary */
export type Contender = { who: string, once?: boolean } & ({ measure: (round: number) => Promise<Sample> } | { notRun: string, cannot?: true })

export async function takeTurns(stage: Stage, work: string, contenders: readonly Contender[], rounds = stage.sizes.rounds): Promise<Series[]> {
  const samples = contenders.map((): Sample[] => [])
  const failures = contenders.map((): string | undefined => undefined)
  for (let round = 1; round <= rounds; round++) {
    for (const [index, contender] of contenders.entries()) {
      if ('notRun' in contender || failures[index] !== undefined || round > 1 && contender.once === true) continue
      try {
        const sample = await contender.measure(round)
        samples[index]!.push(sample)
        stage.say(`${work}, ${contender.who}, ${round}/${rounds}: ${digits(sample.value)}${sample.about === undefined ? '' : ` (${aboutOf([sample])})`}`)
      } catch (error) {
        // One that fails must not take the others with it.
        failures[index] = error instanceof Error ? error.message.slice(0, 700).replaceAll(/\s+/g, ' ') : String(error)
        stage.say(`${work}, ${contender.who}: failed: ${failures[index]}`)
      }
    }
  }
  return contenders.map((contender, index): Series => {
    if ('notRun' in contender) return contender
    const own = samples[index]!
    if (failures[index] !== undefined) return { who: contender.who, notRun: `failed: ${failures[index]}` }
    return { who: contender.who, values: own.map(({ value }) => value), about: aboutOf(own) }
  })
}

/** The middle of each thing that was seen. */
function aboutOf(samples: readonly Sample[]): string {
  const names = Object.keys(samples[0]?.about ?? {})
  const middle = (name: string): number => median(samples.map(({ about }) => about?.[name] ?? 0))
  return names.map(name => `${name} ${digits(middle(name))}`).join(', ')
}

/** A peer that cannot be prepared is not run, and takes nobody else with it. */
export async function orNotRun(who: string, prepare: () => Promise<Contender>): Promise<Contender> {
  try {
    return await prepare()
  } catch (error) {
    return { who, notRun: `could not be prepared: ${error instanceof Error ? error.message.slice(0, 300).replaceAll(/\s+/g, ' ') : String(error)}` }
  }
}
