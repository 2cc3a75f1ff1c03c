import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  type Sampler,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace'

/** What the standard variables say of sampling; both may be anything. */
export interface SamplerWish {
  readonly sampler: string | undefined
  readonly argument: string | undefined
}

/**
 * The sampler of OTEL_TRACES_SAMPLER and OTEL_TRACES_SAMPLER_ARG; undefined for one that is not known. No trace comes
 * here with a parent, so those that follow one do what they do without.
 */
export function samplerFor({ sampler = '', argument = '' }: SamplerWish): Sampler | undefined {
  const [, isFollowing, name = ''] = /^(parentbased_)?(.*)$/.exec(sampler.trim().toLowerCase()) ?? []
  const root = rootFor(name === '' ? 'always_on' : name, argument)
  return root === undefined || isFollowing === undefined ? root : new ParentBasedSampler({ root })
}

function rootFor(name: string, argument: string): Sampler | undefined {
  switch (name) {
    case 'always_on':
      return new AlwaysOnSampler()
    case 'always_off':
      return new AlwaysOffSampler()
    case 'traceidratio':
      return new TraceIdRatioBasedSampler(ratioIn(argument))
    default:
      return undefined
  }
}

/** What is no share of one is all, as the specification wants it. */
function ratioIn(argument: string): number {
  const ratio = argument.trim() === '' ? 1 : Number(argument)
  return ratio >= 0 && ratio <= 1 ? ratio : 1
}
