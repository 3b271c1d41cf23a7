"use strict";
(function () {
  var data = JSON.parse(document.getElementById("data").textContent);
  var MINUS = "\u2212", DASH = "\u2013";

  /* Tables that a reader may sort: the value at its path decides, not how it is written. */
  function valueAt(path) {
    return path.split(".").reduce(function (found, key) { return found == null ? found : found[key]; }, data);
  }
  function keyOf(cell) {
    var number = cell.querySelector("[data-path]");
    return number ? valueAt(number.dataset.path) : cell.textContent;
  }
  function compare(left, right) {
    if (left == null || right == null) return left == null ? (right == null ? 0 : 1) : -1;
    return typeof left === "number" && typeof right === "number" ? left - right : String(left).localeCompare(String(right));
  }
  function sortBy(heading) {
    var row = heading.parentNode, body = heading.closest("table").tBodies[0];
    var place = Array.prototype.indexOf.call(row.cells, heading);
    var upwards = heading.getAttribute("aria-sort") !== "ascending";
    Array.prototype.forEach.call(row.cells, function (cell) { cell.removeAttribute("aria-sort"); });
    heading.setAttribute("aria-sort", upwards ? "ascending" : "descending");
    Array.prototype.slice.call(body.rows).sort(function (a, b) {
      return (upwards ? 1 : -1) * compare(keyOf(a.cells[place]), keyOf(b.cells[place]));
    }).forEach(function (each) { body.appendChild(each); });
  }
  document.querySelectorAll("table.sorted thead th").forEach(function (heading) {
    if (!heading.textContent.trim()) return;
    var button = document.createElement("button");
    button.type = "button";
    while (heading.firstChild) button.appendChild(heading.firstChild);
    heading.appendChild(button);
    button.addEventListener("click", function () { sortBy(heading); });
  });

  /* In print everything that is folded is open. */
  window.addEventListener("beforeprint", function () {
    document.querySelectorAll("details").forEach(function (each) { each.open = true; });
  });

  /* The explorer of episodes. */
  var root = document.getElementById("episode-explorer");
  if (!root || !data.explorer || !data.explorer.episodes.length) return;
  var episodes = data.explorer.episodes;
  var instrument = ((data.env_config || {}).market || {}).instrument || { tick_size: 1, symbol: "" };
  var tick = instrument.tick_size;
  var decimals = (String(tick).split(".")[1] || "").length;
  var canvas = document.getElementById("explorer-map"), pen = canvas.getContext("2d");
  var choice = document.getElementById("explorer-episode"), slider = document.getElementById("explorer-time");
  var zoom = document.getElementById("explorer-zoom");
  var now = document.getElementById("explorer-now"), facts = document.getElementById("explorer-facts");
  var list = document.getElementById("explorer-events");
  var shown = 0, moment = 0, scene = null;

  function price(ticks) {
    return ticks == null ? DASH : (ticks * tick).toLocaleString("en-US", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
  }
  function count(value) { return value.toLocaleString("en-US").replace("-", MINUS); }
  function colour(name) { return getComputedStyle(document.documentElement).getPropertyValue(name).trim(); }
  function touch(levels) { return levels.length ? levels[0] : null; }
  function side(value) { return value > 0 ? "buy" : "sell"; }

  function lengthOf(episode) { return Math.max(episode.t_s[episode.t_s.length - 1], 1e-9); }
  function mostLots(episode) {
    var most = 1;
    [episode.bids, episode.asks].forEach(function (moments) {
      moments.forEach(function (levels) { for (var i = 1; i < levels.length; i += 2) most = Math.max(most, levels[i]); });
    });
    return most;
  }
  /* What is drawn: the part of the episode around the moment, and prices around its touches and own fills. */
  function look(episode) {
    var length = lengthOf(episode), span = length / Number(zoom.value), low = Infinity, high = -Infinity;
    scene.begin = Math.max(0, Math.min(episode.t_s[moment] - span / 2, length - span));
    scene.end = scene.begin + span;
    function include(seconds, ticks) {
      if (ticks == null || seconds < scene.begin || seconds > scene.end) return;
      low = Math.min(low, ticks); high = Math.max(high, ticks);
    }
    episode.t_s.forEach(function (seconds, number) {
      [touch(episode.bids[number]), touch(episode.asks[number]), episode.desk_bid[number], episode.desk_ask[number]].forEach(
        function (ticks) { include(seconds, ticks); });
    });
    episode.fills.forEach(function (fill) { include(fill.t_s, fill.price); });
    if (low > high) { low = 0; high = 1; }
    var margin = Math.max(4, Math.round((high - low) * 0.06));
    scene.low = low - margin; scene.high = high + margin;
  }
  function place(episode, left, top, width, height) {
    return {
      x: function (seconds) { return left + (seconds - scene.begin) / (scene.end - scene.begin) * width; },
      y: function (ticks) { return top + (scene.high - ticks) / (scene.high - scene.low) * height; },
      left: left, top: top, width: width, height: height
    };
  }
  function draw() {
    var episode = episodes[shown], ratio = window.devicePixelRatio || 1;
    var width = canvas.clientWidth, height = canvas.clientHeight;
    canvas.width = Math.round(width * ratio); canvas.height = Math.round(height * ratio);
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.fillStyle = colour("--ground"); pen.fillRect(0, 0, width, height);
    look(episode);
    var at = place(episode, 66, 8, width - 74, height - 32);
    drawAxes(at);
    pen.save(); pen.beginPath(); pen.rect(at.left, at.top, at.width, at.height); pen.clip();
    drawDepth(episode, at); drawFaults(episode, at); drawTouches(episode, at); drawOrders(episode, at); drawFills(episode, at);
    pen.strokeStyle = colour("--text"); pen.lineWidth = 1; pen.setLineDash([]);
    var x = at.x(episode.t_s[moment]);
    pen.beginPath(); pen.moveTo(x, at.top); pen.lineTo(x, at.top + at.height); pen.stroke();
    pen.restore();
  }
  function step(span, most) {
    var power = Math.pow(10, Math.floor(Math.log10(span / most)));
    return [1, 2, 5, 10].map(function (each) { return each * power; }).find(function (each) { return span / each <= most; });
  }
  function drawAxes(at) {
    pen.font = "11px system-ui, sans-serif"; pen.fillStyle = colour("--quiet"); pen.strokeStyle = colour("--line");
    pen.lineWidth = 1; pen.setLineDash([]); pen.textBaseline = "middle"; pen.textAlign = "right";
    var every = Math.max(1, Math.round(step(scene.high - scene.low, Math.max(at.height / 40, 1))));
    for (var ticks = Math.ceil(scene.low / every) * every; ticks <= scene.high; ticks += every) {
      pen.fillText(price(ticks), at.left - 6, at.y(ticks));
      pen.beginPath(); pen.moveTo(at.left, at.y(ticks)); pen.lineTo(at.left + at.width, at.y(ticks)); pen.stroke();
    }
    pen.textAlign = "center"; pen.textBaseline = "top";
    var seconds = step(scene.end - scene.begin, Math.max(at.width / 90, 1));
    for (var t = Math.ceil(scene.begin / seconds) * seconds; t <= scene.end; t += seconds) pen.fillText(Number(t.toFixed(3)) + " s", Math.min(at.x(t), at.left + at.width - 14), at.top + at.height + 6);
  }
  function drawDepth(episode, at) {
    pen.fillStyle = colour("--count");
    var tall = Math.max(at.height / (scene.high - scene.low), 1);
    episode.t_s.forEach(function (seconds, number) {
      var next = number + 1 < episode.t_s.length ? episode.t_s[number + 1] : seconds;
      var x = at.x(seconds), wide = Math.max(at.x(next) - x, 0.5) + 0.3;
      [episode.bids[number], episode.asks[number]].forEach(function (levels) {
        for (var i = 0; i < levels.length; i += 2) {
          if (levels[i] < scene.low || levels[i] > scene.high) continue;
          pen.globalAlpha = 0.1 + 0.75 * Math.log(1 + levels[i + 1]) / Math.log(1 + scene.most);
          pen.fillRect(x, at.y(levels[i]) - tall / 2, wide, tall);
        }
      });
    });
    pen.globalAlpha = 1;
  }
  function drawFaults(episode, at) {
    episode.faults.forEach(function (fault, number) {
      var left = at.x(fault.begin_s), right = Math.max(at.x(fault.end_s), left + 2);
      pen.save(); pen.beginPath(); pen.rect(left, at.top, right - left, at.height); pen.clip();
      pen.strokeStyle = colour("--loss"); pen.globalAlpha = 0.55; pen.lineWidth = 1; pen.setLineDash([]);
      for (var x = left - at.height; x < right; x += 9) {
        pen.beginPath(); pen.moveTo(x, at.top + at.height); pen.lineTo(x + at.height, at.top); pen.stroke();
      }
      pen.restore();
      pen.fillStyle = colour("--text"); pen.textAlign = left > at.left + at.width * 0.8 ? "right" : "left"; pen.textBaseline = "top";
      pen.fillText(fault.name, left + (pen.textAlign === "left" ? 3 : -3), at.top + 3 + 13 * (number % 4));
    });
  }
  function stepLine(episode, at, valueOf) {
    var drawn = false, last = 0;
    pen.beginPath();
    episode.t_s.forEach(function (seconds, number) {
      var value = valueOf(number);
      if (value == null) { drawn = false; return; }
      var x = at.x(seconds), y = at.y(value);
      if (drawn) { pen.lineTo(x, last); pen.lineTo(x, y); } else pen.moveTo(x, y);
      drawn = true; last = y;
    });
    pen.stroke();
  }
  function drawTouches(episode, at) {
    pen.lineWidth = 1.4; pen.setLineDash([]); pen.strokeStyle = colour("--text");
    stepLine(episode, at, function (n) { return touch(episode.bids[n]); });
    stepLine(episode, at, function (n) { return touch(episode.asks[n]); });
    pen.lineWidth = 1.2; pen.setLineDash([4, 3]); pen.strokeStyle = colour("--three");
    stepLine(episode, at, function (n) { return episode.desk_bid[n]; });
    stepLine(episode, at, function (n) { return episode.desk_ask[n]; });
    pen.setLineDash([]);
  }
  function drawOrders(episode, at) {
    episode.orders.forEach(function (order) {
      pen.strokeStyle = colour(order.side > 0 ? "--one" : "--two");
      pen.lineWidth = order.waits ? 1.5 : 4; pen.setLineDash(order.waits ? [2, 3] : []);
      pen.beginPath(); pen.moveTo(at.x(order.begin_s), at.y(order.price)); pen.lineTo(at.x(order.end_s), at.y(order.price)); pen.stroke();
    });
    pen.setLineDash([]);
  }
  function drawFills(episode, at) {
    episode.fills.forEach(function (fill) {
      var x = at.x(fill.t_s), y = at.y(fill.price), up = fill.side > 0 ? -1 : 1, size = 5 + Math.min(Math.sqrt(fill.lots), 5);
      pen.beginPath(); pen.moveTo(x, y + up * size); pen.lineTo(x - size, y - up * size * 0.7); pen.lineTo(x + size, y - up * size * 0.7); pen.closePath();
      pen.fillStyle = fill.rested ? colour(fill.side > 0 ? "--one" : "--two") : colour("--ground");
      pen.strokeStyle = colour(fill.side > 0 ? "--one" : "--two"); pen.lineWidth = 1.6;
      pen.fill(); pen.stroke();
    });
  }

  function addFact(name, text) {
    var row = document.createElement("div"), term = document.createElement("dt"), said = document.createElement("dd");
    term.textContent = name; said.textContent = text; row.appendChild(term); row.appendChild(said); facts.appendChild(row);
  }
  function tell() {
    var episode = episodes[shown], seconds = episode.t_s[moment], bids = episode.bids[moment], asks = episode.asks[moment];
    now.textContent = seconds.toFixed(2) + " s of " + episode.t_s[episode.t_s.length - 1].toFixed(2) + " s";
    slider.setAttribute("aria-valuetext", seconds.toFixed(2) + " seconds");
    facts.textContent = "";
    addFact("time", new Date(episode.begin_ns / 1e6 + seconds * 1e3).toISOString().replace("T", " ").replace("Z", " UTC"));
    addFact("bid and ask at the exchange", price(touch(bids)) + " / " + price(touch(asks)));
    addFact("bid and ask that the desk saw", price(episode.desk_bid[moment]) + " / " + price(episode.desk_ask[moment]));
    addFact("lots there", (bids.length ? count(bids[1]) : "0") + " / " + (asks.length ? count(asks[1]) : "0"));
    addFact("position, lots", count(episode.position_lots[moment]));
    addFact("filled so far, lots", count(episode.filled_lots[moment]));
    addFact("working orders", count(episode.working[moment]));
    addFact("volume of the market, lots", count(episode.volume_lots[moment]));
    var on = episode.faults.filter(function (fault) { return fault.begin_s <= seconds && seconds < fault.end_s; });
    addFact("faults", on.length ? on.map(function (fault) { return fault.name; }).join(", ") : "none");
    Array.prototype.forEach.call(list.rows, function (row) { row.className = Number(row.dataset.t) > seconds ? "later" : ""; });
  }
  function touches(fill, bid, ask) { return fill && bid in fill ? price(fill[bid]) + " / " + price(fill[ask]) : ""; }
  function listEvents() {
    var episode = episodes[shown], rows = [];
    episode.fills.forEach(function (fill) {
      rows.push([fill.t_s, side(fill.side) + " fill, " + (fill.rested ? "maker" : "taker"), fill.lots, fill.price, fill]);
    });
    episode.orders.forEach(function (order) {
      rows.push([order.begin_s, side(order.side) + (order.waits ? " stop waits" : " order rests"), order.lots, order.price]);
    });
    rows.sort(function (a, b) { return a[0] - b[0]; });
    list.textContent = "";
    rows.forEach(function (each) {
      var row = list.insertRow();
      row.dataset.t = each[0];
      [each[0].toFixed(2) + " s", each[1], count(each[2]), price(each[3]), touches(each[4], "bid", "ask"), touches(each[4], "desk_bid", "desk_ask")].forEach(function (text, number) {
        var cell = row.insertCell();
        cell.textContent = text;
        if (number < 2) cell.className = "words";
      });
    });
  }
  function address() {
    var episode = episodes[shown];
    return "#policy=" + encodeURIComponent(episode.policy) + "&seed=" + episode.seed + "&t=" + Number(episode.t_s[moment].toFixed(3));
  }
  function open(number) {
    shown = number; scene = { most: mostLots(episodes[shown]) };
    choice.value = String(number); slider.max = String(episodes[shown].t_s.length - 1);
    listEvents();
  }
  function go(number, named) {
    moment = Math.max(0, Math.min(number, episodes[shown].t_s.length - 1));
    slider.value = String(moment);
    draw(); tell();
    if (named) history.replaceState(null, "", address());
  }
  function nearest(seconds) {
    var times = episodes[shown].t_s, best = 0;
    times.forEach(function (each, number) { if (Math.abs(each - seconds) < Math.abs(times[best] - seconds)) best = number; });
    return best;
  }
  function follow() {
    var asked = new URLSearchParams(location.hash.slice(1));
    if (!asked.has("seed")) return false;
    var found = episodes.findIndex(function (episode) {
      return String(episode.seed) === asked.get("seed") && (!asked.has("policy") || episode.policy === asked.get("policy"));
    });
    if (found < 0) return false;
    open(found); go(nearest(Number(asked.get("t") || 0)), false);
    return true;
  }
  function onKey(event) {
    var by = { ArrowLeft: -1, ArrowRight: 1, PageUp: -20, PageDown: 20 }[event.key];
    if (event.key === "Home") by = -moment;
    if (event.key === "End") by = episodes[shown].t_s.length;
    if (by === undefined) return;
    event.preventDefault();
    go(moment + by, true);
  }

  episodes.forEach(function (episode, number) {
    var option = document.createElement("option");
    option.value = String(number); option.textContent = episode.policy + ", seed " + episode.seed;
    choice.appendChild(option);
  });
  root.hidden = false;
  choice.addEventListener("change", function () { open(Number(choice.value)); go(0, true); });
  zoom.addEventListener("change", draw);
  slider.addEventListener("input", function () { go(Number(slider.value), true); });
  canvas.addEventListener("keydown", onKey);
  canvas.addEventListener("click", function (event) {
    var box = canvas.getBoundingClientRect(), share = (event.clientX - box.left - 66) / (box.width - 74);
    go(nearest(scene.begin + share * (scene.end - scene.begin)), true);
  });
  window.addEventListener("hashchange", function () { if (follow()) root.scrollIntoView(); });
  window.addEventListener("resize", draw);
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  if (follow()) root.scrollIntoView();
  else { open(0); go(0, false); }
})();
