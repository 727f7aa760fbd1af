/** How an attempt ends when it does not end with a certificate. */

/** The step that was being taken: each is one message of the phone, or one page its owner looks at. */
export type Stage = 'invitation' | 'profile-service' | 'first-post' | 'bootstrap-scep' | 'second-post' | 'scep'

export type Refusal = {
  readonly outcome: 'refused' | 'quarantined'
  readonly at: Stage
  /** where Safari would open: the owner reads there which model, why, and whom to ask */
  readonly page?: string
  /** what stands on that page, or what the answer said of itself; for people */
  readonly text: string
  /** HTTP status of the answer that ended it */
  readonly status?: number
  /** stable code, where the page or a problem document has one; a real phone shows nothing of it */
  readonly code?: string
  /** SCEP failInfo; a real phone does not surface it either */
  readonly failInfo?: string
  /** where the phone was told to replay: what the repeated, byte-identical message was answered with */
  readonly repeat?: 'same' | 'different' | 'refused'
}

/** Thrown between the steps, so that the story can be told in one line; `enrollPhone` returns its refusal. */
export class EnrollmentEnded extends Error {
  readonly refusal: Refusal

  constructor(refusal: Refusal) {
    super(`${refusal.outcome} at ${refusal.at}: ${refusal.text}`)
    this.name = 'EnrollmentEnded'
    this.refusal = refusal
  }
}
