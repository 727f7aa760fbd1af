/** Front ends that ask the service on each request: whether they do each time, and what they do when nobody answers. */
import { newConnection, said, type Identity } from './ask.ts'
import { fine, found, notTried, type Result } from './findings.ts'
import { findingOf, type Trial } from './trial.ts'

const burst = 3

/** @returns whether the front end asks the service about this certificate at all */
export async function asksAbout({ client, versions, asked }: Trial, identity: Identity): Promise<boolean> {
  const connection = newConnection()
  try {
    for (let n = 0; n < burst; n++) await client.ask({ identity, version: versions.at(-1)!, connection })
  } finally {
    connection.destroy()
  }
  return ((await asked()).get(identity.serialNumber) ?? 0) > 0
}

/**
 * The service has counted how often it was asked, and the client how often it should have been: an answer that was kept is
 * one question too few, however short it is kept. What is kept may be the yes alone, and no certificate of a trial gets
 * one; a phone's does.
 */
export async function answersKept(trial: Trial): Promise<Result> {
  const probe = 'answers of /check are not kept'
  const asked = await trial.asked()
  const { good, later } = trial.identities
  const counts = [good, later, ...trial.own === undefined ? [] : [trial.own]]
    .map(({ serialNumber }) => ({ asked: asked.get(serialNumber) ?? 0, made: trial.client.countOf(serialNumber) }))
  if (counts.every(each => each.asked === 0)) return notTried(probe, 'it does not ask Latchkey on each request')
  const few = counts.filter(each => each.asked > 0 && each.asked < each.made)
  const detail = counts.map(each => `${each.asked} of ${each.made}`).join(', ')
  const untold = trial.own === undefined ? '; whether a yes is kept shows only with a phone’s certificate (--certificate, --key)' : ''
  if (few.length === 0) return fine(probe, `asked for ${detail} requests${untold}`)
  const sentence = `it asks only about some requests (${detail}): whoever is revoked gets in for as long as an answer is kept`
  return found(probe, `asked for ${detail} requests`, findingOf(trial, 'check-cached', 'hole', sentence))
}

/** The service plays an outage for this one certificate, and answers 503. */
export async function outage(trial: Trial, asks: boolean): Promise<Result> {
  const probe = 'nobody gets in when Latchkey does not answer'
  const { kind, standing, whenStale } = trial.begun
  if (!asks) {
    if (standing === null) return notTried(probe, 'it does not ask Latchkey on each request, and has no agent: it goes on with its lists until they end')
    return notTried(probe, `it has an agent, whose outage cannot be played from outside; by its policy this ${kind} then ${whenStale === 'refuse' ? 'refuses everybody' : 'goes on, and alarms'}`)
  }
  const { heard, outcome } = await trial.client.ask({ identity: trial.identities.outage, version: trial.versions.at(-1)! })
  const wasAsked = ((await trial.asked()).get(trial.identities.outage.serialNumber) ?? 0) > 0
  if (outcome === 'silent') return notTried(probe, 'no answer in time')
  if (outcome !== 'passed') return wasAsked ? fine(probe, `refused: ${said(heard)}`) : notTried(probe, `refused before Latchkey was asked: ${said(heard)}`)
  return found(probe, said(heard), findingOf(trial, 'open-on-outage', 'hole', wasAsked
    ? 'when Latchkey cannot answer, it lets everybody in' : 'it let somebody in without having asked, though it asks about others'))
}
