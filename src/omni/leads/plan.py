"""What the API asks of leads' decisions from values alone."""

from __future__ import annotations

from omni.leads.suppressing import keys_of as keys_of
from omni.leads.suppression_lines import MAX_LINE as MAX_LINE
from omni.leads.suppression_lines import Layout as Layout
from omni.leads.suppression_lines import Wanted as Wanted
from omni.leads.suppression_lines import layout_of as layout_of
from omni.leads.suppression_lines import read_line as read_line
