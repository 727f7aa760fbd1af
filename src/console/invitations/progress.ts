import { refusalInWords } from './stuck-words.ts'
import type { Tone } from '../words.ts'
import type { AttemptView, InvitationView } from '../../protocols/api/operations/invitations.ts'

/** @property text  how far the phone came and what stopped it, for somebody who was not there */
export type Progress = { word: string, tone?: Tone, text: string }

const minuteMs = 60_000
/** iOS drops a downloaded profile after eight minutes; a phone that goes on does so within one. */
const silentMs = 10 * minuteMs

/** Where an invitation stands, at a glance and in a sentence. */
export function progressOf(invitation: InvitationView, now: Date): Progress {
  const { state, devices, devicesEnrolled, attempt } = invitation
  const held = devicesEnrolled === 0 ? 'no phone holds a key' : devices === 1 ? 'the phone holds its key' : `${devicesEnrolled} of ${devices} phones hold a key`
  if (state === 'used-up') return { word: 'done', tone: 'good', text: sentence(held) }
  if (state === 'ended') return { word: 'ended', text: `Taken back; ${held}.` }
  if (state === 'expired') return { word: 'run out', ...devicesEnrolled === 0 && { tone: 'wait' }, text: `The link opens no longer; ${held}.` }
  if (attempt === null) return { word: 'sent', text: 'Nobody has downloaded the profile yet.' }
  return attemptInWords(attempt, held, now)
}

/** @param held  how many phones hold a key, for an attempt that succeeded */
export function attemptInWords(attempt: AttemptView, held: string, now: Date): Progress {
  const silent = now.getTime() - new Date(attempt.at).getTime() > silentMs
  if (attempt.state === 'quarantined') return { word: 'waits for you', tone: 'wait', text: attempt.reason ?? 'The phone is in quarantine: somebody has to decide.' }
  if (attempt.error !== null) return { word: 'stuck', tone: 'stop', text: `${where(attempt.step)}: ${refusalInWords(attempt.error)}` }
  switch (attempt.state) {
    case 'refused': return { word: 'refused', tone: 'stop', text: attempt.reason ?? `The policy refused the phone: ${refusalInWords(attempt.because ?? 'blocked-by-policy')}` }
    case 'invited': return silent
      ? { word: 'stuck', tone: 'stop', text: 'The profile was downloaded and never installed in Settings. iOS has dropped it; the invitation has to be opened again.' }
      : { word: 'begun', tone: 'wait', text: 'The profile was downloaded; now it has to be installed in Settings.' }
    case 'allowed': return silent
      ? { word: 'stuck', tone: 'stop', text: 'The phone was approved and then fell silent before it made its key. The invitation has to be opened again.' }
      : { word: 'begun', tone: 'wait', text: 'The phone was approved and is making its key.' }
    case 'profiled': return silent
      ? { word: 'stuck', tone: 'stop', text: 'The phone has its settings and never asked for its certificate. The invitation has to be opened again.' }
      : { word: 'begun', tone: 'wait', text: 'The phone has its settings and is asking for its certificate.' }
    case 'issued': return { word: 'open', tone: 'good', text: sentence(held) }
  }
}

const sentence = (text: string): string => `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`

const steps = {
  'first-post': 'When the phone introduced itself',
  'bootstrap-scep': 'When the phone made its first key',
  'second-post': 'When the phone proved its first key',
  'device-scep': 'When the phone asked for its certificate',
} as const

const where = (step: AttemptView['step']): string => step === null ? 'On its way' : steps[step]
