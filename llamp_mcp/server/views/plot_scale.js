'use strict';
/* Axes: from values to pixels and back, where ticks lie, how numbers are written. */

const RAISED = '⁰¹²³⁴⁵⁶⁷⁸⁹';

/** A scale between two values and two pixels; either pair may run downwards. */
function makeScale(kind, [low, high], [start, end]) {
  const log = kind === 'log';
  const to = log ? Math.log10 : (value) => value;
  const from = log ? (value) => 10 ** value : (value) => value;
  const span = to(high) - to(low) || 1;
  const slack = 1e-9 * Math.abs(high - low);
  const [least, most] = [Math.min(low, high), Math.max(low, high)];
  return {
    log,
    low: least,
    high: most,
    holds: (value) => value !== null && value >= least - slack && value <= most + slack,
    px: (value) => start + ((to(value) - to(low)) / span) * (end - start),
    value: (px) => from(to(low) + ((px - start) / (end - start)) * span),
  };
}

/** Where ticks lie, about so many of them. */
function ticksOf(scale, count) {
  const { low, high } = scale;
  if (!scale.log || high / low < 30) return linearTicks(low, high, count);
  const first = Math.ceil(Math.log10(low) - 1e-9);
  const last = Math.floor(Math.log10(high) + 1e-9);
  const stride = Math.max(1, Math.ceil((last - first + 1) / count));
  const ticks = [];
  for (let power = first; power <= last; power += stride) ticks.push(10 ** power);
  return ticks;
}

function linearTicks(low, high, count) {
  const step = niceStep((high - low) / Math.max(1, count));
  const ticks = [];
  for (let at = Math.ceil(low / step - 1e-9); at <= high / step + 1e-9; at++) ticks.push(at * step);
  return ticks;
}

function niceStep(rough) {
  const power = 10 ** Math.floor(Math.log10(rough || 1));
  return power * [1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999);
}

/** The words of ticks: as many decimals as the step between them needs. */
function tickLabels(ticks, log) {
  const largest = Math.max(...ticks.map(Math.abs), 0);
  const step = ticks.length > 1 ? Math.abs(ticks[1] - ticks[0]) : largest || 1;
  if (log && ticks.length > 1 && ticks[1] / ticks[0] > 9.9) return ticks.map((tick) => asPower(tick));
  if (largest >= 1e6 || (largest && largest < 1e-3)) {
    const digits = Math.max(1, Math.round(Math.log10(largest / step)) + 1);
    return ticks.map((tick) => (tick ? scientific(Number(tick.toPrecision(digits + 1))) : '0'));
  }
  const decimals = Math.min(12, Math.max(0, -Math.floor(Math.log10(step) + 1e-9)));
  return ticks.map((tick) => minus((Object.is(tick, -0) ? 0 : tick).toFixed(decimals)));
}

function asPower(value) {
  return `10${raised(Math.round(Math.log10(value)))}`;
}

function raised(power) {
  return String(power).replace(/./g, (c) => (c === '-' ? '⁻' : RAISED[c]));
}

function scientific(value) {
  const [mantissa, power] = value.toExponential().split('e');
  return `${minus(mantissa)}×10${raised(Number(power))}`;
}

function minus(text) {
  return text.replace(/^-/, '−');
}

/** A value as it was sent: the server has rounded it. */
function written(value) {
  if (value === null || value === undefined) return 'none';
  const size = Math.abs(value);
  if (size && (size >= 1e7 || size < 1e-4)) return scientific(value);
  return minus(String(Object.is(value, -0) ? 0 : value));
}
