/** What can go wrong with what somebody else gave. Anything else that is thrown is a fault of this program. */

/** A file is not what the specifications say: `code` is theirs, `params` say what was expected and found. */
export class Refusal extends Error {
  constructor(code, params = {}) {
    super(code);
    this.name = 'Refusal';
    this.code = code;
    this.params = params;
  }
}

/** A check does not hold (specs/verification.md §1). */
export class CheckFails extends Error {
  constructor(reason, evidence = {}) {
    super(reason);
    this.name = 'CheckFails';
    this.reason = reason;
    this.evidence = evidence;
  }
}

/** A check is not possible with what is at hand. */
export class CannotTell extends Error {
  constructor(reason, evidence = {}) {
    super(reason);
    this.name = 'CannotTell';
    this.reason = reason;
    this.evidence = evidence;
  }
}
