import type { ErrorCode } from '../errors.ts'

/** What stopped a phone, in words for the person who holds it. */
const words: Partial<Record<ErrorCode, string>> = {
  'challenge-expired': 'The downloaded profile waited too long. Nothing is lost: open your invitation again and download a new one.',
  'challenge-used': 'This download was used already. Open your invitation again and download a new one.',
  'bad-challenge': 'The phone answered with something other than what it was given. Open your invitation again and download a new one.',
  'certificate-expired': 'The first step is more than an hour old. Open your invitation again and begin once more.',
  'invitation-expired': 'The invitation has run out. Ask for a new one.',
  'invitation-ended': 'The invitation was taken back. Ask for a new one.',
  'invitation-used-up': 'The invitation is for a certain number of phones, and all places are taken. Ask for another invitation.',
  'device-attributes-missing': 'The phone did not say which model it is.',
  'device-attributes-changed': 'The phone said something else about itself than a moment before.',
  'device-issuer-unknown': 'The message did not come from an iPhone or iPad as Apple made it.',
  'device-identity-denied': 'The identity of this device is not trusted.',
  'bootstrap-identity-mismatch': 'The second message did not come from the phone that sent the first.',
  'enrollment-state': 'This download was used already. Open your invitation again and download a new one.',
  'blocked-by-policy': 'This device was not let in. What it depends on may have changed since: open your invitation again, or ask.',
  'quarantined-by-policy': 'Somebody has to look at this device first. Open your invitation again when that is done.',
  'decision-changed': 'Something changed while the key was being made. Open your invitation again and begin once more.',
  'evidence-too-old': 'What is known of this phone is too old. Open your invitation again and begin once more.',
}

export const refusalWords = (code: string): string => words[code as ErrorCode] ?? 'Something did not work. Open your invitation again; if it happens again, ask for help.'
